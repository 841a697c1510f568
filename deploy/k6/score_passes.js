// ScorePasses: the plays of REQUEST, again and again.
import { call, load, options } from './call.js';

export { options };
load('playscore/scorer/v1/scorer.proto');

export default () => call('playscore.scorer.v1.ScorerService/ScorePasses', ({ scores }) => scores.length > 0);
