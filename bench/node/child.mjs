// A fresh process for one sample of a pool of node: argv[2] is the task, the last line of the output the answer.
import { lease } from './lease.mjs';
import { obey } from './obey.mjs';
import { open } from './pools.mjs';
import { throughput } from './throughput.mjs';

const questions = { lease, obey, throughput };
const task = JSON.parse(process.argv[2]);
let answer;
try {
  const pool = open(task);
  answer = await questions[task.question](pool, task);
} catch (error) {
  answer = { error: `${error.code ?? error.name}: ${error.message}` };
}
process.stdout.write(JSON.stringify(answer) + '\n', () => process.exit(0));
