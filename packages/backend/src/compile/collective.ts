import type { Binding, OpAttribute } from './node-backend.js'

/** TensorFlow's op that adds up over all replicas. */
export const COLLECTIVE = 'CollectiveReduce'

/** There is one group: all replicas. */
const GROUP = 1

/** How replicas find each other's part of a sum. */
export interface Collective {
  /** Replicas in all. */
  readonly count: number
  /** @returns a number that no other sum has, the same on all replicas: they ask for the same sums in the same order */
  nextKey(): number
}

/**
 * The attributes of a sum over all replicas, {@link COLLECTIVE}. Parts go around a ring and are added up in the same order for all, so that each gets the same bits.
 *
 * @param dtype - a TF_DataType
 */
export const collectiveAttributes = (
  { TF_ATTR_INT, TF_ATTR_STRING, TF_ATTR_TYPE }: Binding,
  dtype: number,
  { count, nextKey }: Collective,
): OpAttribute[] => [
  { name: 'T', type: TF_ATTR_TYPE, value: dtype },
  { name: 'group_size', type: TF_ATTR_INT, value: count },
  { name: 'group_key', type: TF_ATTR_INT, value: GROUP },
  { name: 'instance_key', type: TF_ATTR_INT, value: nextKey() },
  { name: 'merge_op', type: TF_ATTR_STRING, value: 'Add' },
  { name: 'final_op', type: TF_ATTR_STRING, value: 'Id' },
  { name: 'subdiv_offsets', type: TF_ATTR_INT, value: [0] },
]
