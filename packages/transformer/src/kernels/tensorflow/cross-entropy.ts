import { crossEntropyOf } from '../plain/cross-entropy.js'
import { tensorflowOp } from './tensorflow-op.js'

/** Cross-entropy in one operation. Arguments and result as those of the plain one. */
export const sparseCrossEntropy = crossEntropyOf((logits, targets) =>
  tensorflowOp('SparseSoftmaxCrossEntropyWithLogits', { T: 'float32', Tlabels: 'int32' }, [logits, targets], 2),
)
