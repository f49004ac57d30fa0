export { checkpointFiles, type Json, type Metadata, type Sha256 } from './checkpoint/files.js'
export type { NamedArray } from './checkpoint/safetensors.js'
export type { CompiledStep, StepCompiler, StepCompilerOptions } from './compiler.js'
export {
  type Activation,
  type ModelConfig,
  type NormPlacement,
  type ResolvedModelConfig,
  resolveConfig,
} from './config.js'
export { type AnsweredText, type AnswerScore, type AnswersOptions, scoreAnswers } from './inference/answers.js'
export { type Evaluation, evaluate } from './inference/evaluate.js'
export type { EvaluateOptions } from './inference/evaluate-options.js'
export type { EvaluationReplicas } from './inference/evaluation-replicas.js'
export { type GenerateOptions, generate, generateBatch } from './inference/generate.js'
export type { GrowthOptions } from './inference/growing-text.js'
export { createKvCache, type KvCache } from './inference/kv-cache.js'
export { type SamplingOptions, sampleToken } from './inference/sampling.js'
export {
  type ScoreBatchesOptions,
  type ScoredBatch,
  scoreBatches,
} from './inference/score-batches.js'
export { createTextCache, type TextCache } from './inference/text-cache.js'
export { type AttentionOptions, attention } from './kernels/attention/attention.js'
export type { AttentionBias, Tile } from './kernels/attention/bias.js'
export type {
  AttentionDropout,
  AttentionInputs,
  AttentionKernel,
  PackedRotation,
  ProjectedInputs,
} from './kernels/attention/kernel.js'
export type { AttentionFeature, AttentionProblem, AttentionStorage } from './kernels/attention/problem.js'
export { attentionFeatures } from './kernels/attention/problem.js'
export { attentionKernels } from './kernels/kernels.js'
export { type AttentionBiasOptions, attentionBias } from './model/attention-bias.js'
export { type AttentionNamesOptions, attentionNames } from './model/attention-names.js'
export type { AttentionSettings } from './model/attention-settings.js'
export type { ForwardOptions, Moving } from './model/forward-options.js'
export { type ArrayReader, modelFromArrays } from './model/from-arrays.js'
export { createModel, type Model } from './model/model.js'
export { countParameters, parameterShapes } from './model/parameters.js'
export { positionParameterName } from './model/position-parameters.js'
export { type ReplaceStrategyOptions, replaceStrategy } from './model/replace-strategy.js'
export { tfOps } from './model/tf-ops.js'
export type { Vocabulary } from './model/vocabulary/vocabulary.js'
export { type BatchOptions, isTokenText, type TokenText, trainingBatch } from './training/batch.js'
export { tfDifferentiable } from './training/differentiable.js'
export { exchangeState } from './training/exchange-state.js'
export type { MaskedTokens } from './training/masked.js'
export { createOptimizer, type Optimizer, type OptimizerConfig } from './training/optimizer.js'
export { learningRateAt, type Schedule } from './training/schedule.js'
export { createTrainer, type Trainer } from './training/trainer.js'
export type { TrainerOptions, TrainerReplicas } from './training/trainer-options.js'
