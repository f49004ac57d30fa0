// What reads and writes folders: apart, so that browsers can import the rest.
export {
  type CheckpointInfo,
  hasCheckpoint,
  loadCheckpoint,
  readCheckpointInfo,
  readParameters,
  saveCheckpoint,
  verifyCheckpoint,
} from './checkpoint/checkpoint.js'
export type { Json, Metadata } from './checkpoint/description.js'
export { readableDtypes } from './checkpoint/dtypes.js'
export { readFileIfThere, writeFolder } from './checkpoint/folder.js'
export {
  decodeSafetensors,
  encodeSafetensors,
  type NamedArray,
  openSafetensors,
  type SafetensorsFile,
} from './checkpoint/safetensors.js'
export { readArrays } from './model/parameters.js'
