// What reads and writes folders: apart, so that browsers can import the rest.
export {
  type CheckpointInfo,
  hasCheckpoint,
  loadCheckpoint,
  readCheckpointInfo,
  readOptimizerState,
  readParameters,
  saveCheckpoint,
  verifyCheckpoint,
} from './checkpoint/checkpoint.js'
export { readableDtypes } from './checkpoint/dtypes.js'
export type { Json, Metadata } from './checkpoint/files.js'
export { readFileIfThere, writeFolder } from './checkpoint/folder.js'
export { decodeSafetensors, encodeSafetensors, type NamedArray } from './checkpoint/safetensors.js'
export { openSafetensors, type SafetensorsFile } from './checkpoint/safetensors-file.js'
export { readArrays } from './model/parameters.js'
