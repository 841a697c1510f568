// GetRating: the rating that REQUEST asks for.
import { call, load, options } from './call.js';

export { options };
load('playscore/aggregator/v1/aggregator.proto');

export default () => call('playscore.aggregator.v1.AggregatorService/GetRating', ({ rating }) => rating.plays > 0);
