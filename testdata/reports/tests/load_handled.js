import run, { options } from './load.js';
export { options };
export default run;
export function handleSummary(data) {
  return { 'handle-summary.json': JSON.stringify(data, null, 1) };
}
