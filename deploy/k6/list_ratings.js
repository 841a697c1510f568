// ListRatings: a page of the ratings that REQUEST asks for.
import { call, load, options } from './call.js';

export { options };
load('playscore/aggregator/v1/aggregator.proto');

export default () => call('playscore.aggregator.v1.AggregatorService/ListRatings', ({ ratings }) => ratings.length > 0);
