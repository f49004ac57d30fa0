// What reads and writes folders: apart, so that browsers can import the rest.
export {
  type CheckpointInfo,
  hasCheckpoint,
  type Json,
  loadCheckpoint,
  type Metadata,
  readCheckpointInfo,
  readParameters,
  saveCheckpoint,
} from './checkpoint/checkpoint.js'
export type { NamedArray } from './checkpoint/safetensors.js'
export { huggingFaceArchitecture, huggingFaceFamilies } from './huggingface/families.js'
export { type LoadedHuggingFace, loadHuggingFace } from './huggingface/load.js'
export { type SaveHuggingFaceOptions, saveHuggingFace } from './huggingface/save.js'
