// One call of each service through the types that proto-loader-gen-types made, and one refusal; prints JSON.
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";
import protobuf from "protobufjs";

import type { ProtoGrpcType as Aggregator } from "./types/aggregator.js";
import type { ProtoGrpcType as Featurizer } from "./types/featurizer.js";
import type { DescribeSplitsResponse__Output as Splits } from "./types/playscore/aggregator/v1/DescribeSplitsResponse.js";
import type { GetCoverageResponse__Output as Coverage } from "./types/playscore/aggregator/v1/GetCoverageResponse.js";
import type { DescribeFeaturesResponse__Output as Features } from "./types/playscore/featurizer/v1/DescribeFeaturesResponse.js";
import type { ListModelsResponse__Output as Models } from "./types/playscore/scorer/v1/ListModelsResponse.js";
import type { ProtoGrpcType as Scorer } from "./types/scorer.js";

const [, , protos, featurizerAddress, scorerAddress, aggregatorAddress] = process.argv;
const insecure = grpc.credentials.createInsecure();

function load(name: string): unknown {
  const options = { includeDirs: [protos], longs: String, enums: String, defaults: true, oneofs: true };
  return grpc.loadPackageDefinition(loader.loadSync(`playscore/${name}/v1/${name}.proto`, options));
}

type Callback<Answer> = (error: grpc.ServiceError | null, answer?: Answer) => void;

function answered<Answer>(call: (options: grpc.CallOptions, callback: Callback<Answer>) => unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const deadline = new Date(Date.now() + 10_000);
    call({ deadline }, (error, answer) => (error ? reject(error) : resolve(answer!)));
  });
}

const { Status, ErrorInfo } = protobuf.parse(`
  syntax = "proto3";
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message ErrorInfo { string reason = 1; string domain = 2; }
`).root.nested as Record<string, protobuf.Type>;

function reasonOf(error: grpc.ServiceError): string {
  const [status] = error.metadata.get("grpc-status-details-bin");
  const { details } = Status.decode(Uint8Array.from(status as Buffer)) as unknown as {
    details: { typeUrl: string; value: Uint8Array }[];
  };
  const info = details.find(({ typeUrl }) => typeUrl.endsWith("google.rpc.ErrorInfo"));
  return (ErrorInfo.decode(info!.value) as unknown as { reason: string }).reason;
}

const { FeaturizerService } = (load("featurizer") as Featurizer).playscore.featurizer.v1;
const { ScorerService } = (load("scorer") as Scorer).playscore.scorer.v1;
const { AggregatorService } = (load("aggregator") as Aggregator).playscore.aggregator.v1;
const featurizer = new FeaturizerService(featurizerAddress, insecure);
const scorer = new ScorerService(scorerAddress, insecure);
const aggregator = new AggregatorService(aggregatorAddress, insecure);

const features = await answered<Features>((options, callback) =>
  featurizer.describeFeatures({ task: "TASK_PASSING" }, options, callback),
);
const served = await answered<Models>((options, callback) => scorer.listModels({}, options, callback));
const splits = await answered<Splits>((options, callback) =>
  aggregator.describeSplits({ role: "ROLE_PASSER" }, options, callback),
);

function coverage(league: string): Promise<Coverage> {
  return answered((options, callback) => aggregator.getCoverage({ league, role: "ROLE_PASSER" }, options, callback));
}

const covered = await coverage("SIM");
const refusal = await coverage("NOWHERE").then(
  () => ({ code: "OK", reason: "" }),
  (error: grpc.ServiceError) => ({ code: grpc.status[error.code], reason: reasonOf(error) }),
);

console.log(
  JSON.stringify({
    frameColumns: features.specification?.frameColumns.length,
    models: served.models.map(({ model, task, ready }) => ({ name: model?.name, task, ready })),
    depths: splits.fields.find(({ name }) => name === "depth")?.values,
    plays: covered.plays,
    refusal,
  }),
);
for (const client of [featurizer, scorer, aggregator]) client.close();
