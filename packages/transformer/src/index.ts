export {
  type CheckpointInfo,
  hasCheckpoint,
  type Json,
  loadCheckpoint,
  type Metadata,
  readCheckpointInfo,
  readParameters,
  saveCheckpoint,
} from './checkpoint.js'
export type { Activation, ModelConfig } from './config.js'
export { tfDifferentiable } from './differentiable.js'
export { type EvaluateOptions, type Evaluation, evaluate } from './evaluate.js'
export { type GenerateOptions, generate } from './generate.js'
export { huggingFaceArchitecture, huggingFaceFamilies } from './huggingface/families.js'
export { type LoadedHuggingFace, loadHuggingFace } from './huggingface/load.js'
export { type SaveHuggingFaceOptions, saveHuggingFace } from './huggingface/save.js'
export { type AttentionOptions, attention } from './kernels/attention.js'
export type { AttentionBias, Tile } from './kernels/bias-tile.js'
export { createKvCache, type KvCache } from './kv-cache.js'
export { createModel, type ForwardOptions, type Model } from './model.js'
export { createOptimizer, type Optimizer, type OptimizerConfig } from './optimizer.js'
export type { NamedArray } from './safetensors.js'
export { type SamplingOptions, sampleToken } from './sampling.js'
export { learningRateAt, type Schedule } from './schedule.js'
export { tfOps } from './tf-ops.js'
export { createTrainer, type StepCompiler, type Trainer, type TrainerOptions } from './trainer.js'
