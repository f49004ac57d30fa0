// Which place a process has among replicas, from options and from the variables of what started it.
import { describe, expect, it } from 'vitest'
import { placeOf, type ReplicaOptions } from '../src/replicas/cluster.js'
import { security } from '../src/replicas/place.js'

const slurm = {
  SLURM_JOB_ID: '8001',
  SLURM_PROCID: '3',
  SLURM_STEP_NODELIST: 'gpu[08-09,12],big-1',
  SLURM_STEP_TASKS_PER_NODE: '2(x2),1,3',
}
const torchrun = { RANK: '1', WORLD_SIZE: '2', LOCAL_WORLD_SIZE: '2', MASTER_ADDR: 'node', MASTER_PORT: '29500' }
const two = 'a:4000, b.example:4001'

describe('a place', () => {
  it.each<[string, ReplicaOptions, Record<string, string>, unknown]>([
    ['of one alone', {}, slurm, undefined],
    ['of one alone, asked for', { replicas: 1 }, {}, undefined],
    ['here', { replicas: 3 }, {}, { startHere: 3 }],
    ['by number', { cluster: two, replica: 1 }, slurm, { addresses: ['a:4000', 'b.example:4001'], index: 1 }],
    ['in a job of Kubernetes', { cluster: two }, { JOB_COMPLETION_INDEX: '1' }, expect.objectContaining({ index: 1 })],
    ['of torchrun', { cluster: 'torchrun' }, torchrun, { addresses: ['127.0.0.1:29501', '127.0.0.1:29502'], index: 1 }],
    [
      'of Slurm',
      { cluster: 'slurm' },
      slurm,
      {
        addresses:
          'gpu08:20001,gpu08:20002,gpu09:20001,gpu09:20002,gpu12:20001,big-1:20001,big-1:20002,big-1:20003'.split(','),
        index: 3,
      },
    ],
  ])('%s', (_, options, environment, place) => expect(placeOf(options, environment)).toEqual(place))

  it.each<[ReplicaOptions, Record<string, string>, string]>([
    [{ replicas: 0 }, {}, 'expected --replicas with a whole number above 0, got 0'],
    [{ replica: 1 }, {}, 'expected --replica with --cluster, got it alone'],
    [
      { cluster: two },
      {},
      'expected --replica, or one of the variables RANK, SLURM_PROCID, JOB_COMPLETION_INDEX, got none',
    ],
    [{ cluster: two, replica: 2 }, {}, 'expected a replica from 0 to 1, got 2'],
    [{ cluster: two, replica: 0, replicas: 3 }, {}, 'expected 3 addresses for --replicas, got 2'],
    [{ cluster: two }, { RANK: 'one' }, 'expected a whole number in the variable RANK, got one'],
    [{ cluster: 'slurm' }, {}, 'expected the variable SLURM_STEP_NODELIST, which srun sets, got none'],
    [{ cluster: 'slurm' }, { ...slurm, SLURM_STEP_NODELIST: 'a[2-1]' }, "expected a list of Slurm's nodes, got a[2-1]"],
    [{ cluster: 'slurm' }, { ...slurm, SLURM_STEP_TASKS_PER_NODE: '2' }, 'expected tasks for 4 nodes of Slurm, got 1'],
    [{ cluster: 'torchrun' }, { ...torchrun, WORLD_SIZE: '4' }, 'expected all 4 processes on one machine'],
  ])('%o is refused in a line', (options, environment, message) => {
    expect(() => placeOf(options, environment)).toThrow(`replicas: ${message}`)
  })
})

it.each([
  ['127.0.0.1:4000,localhost:4001', /^they talk without authentication, within this machine alone$/],
  ['127.0.0.2:4000,127.0.0.1:4001', /within this machine alone/],
  // TensorFlow listens on every address for names that may be another machine's.
  ...['127.1:4000,127.0.0.1:4001', '127.example:4000,localhost:4001', '10.0.0.1:4000,127.0.0.1:4001'].map(
    (cluster) => [cluster, /keep their ports in a network of your own/] as const,
  ),
] as const)('says how %s are protected, as they listen', (cluster, line) => {
  expect(security({ addresses: cluster.split(',') })).toMatch(line)
})
