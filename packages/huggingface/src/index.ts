export {
  describeHuggingFaceFamilies,
  type HuggingFaceFamily,
  huggingFaceArchitecture,
  huggingFaceFamilies,
} from './families/families.js'
export type { FamilyPositions } from './families/family.js'
export { type HuggingFaceInspection, inspectHuggingFace } from './inspect.js'
export { type HuggingFaceInfo, type LoadedHuggingFace, loadHuggingFace, readHuggingFaceInfo } from './load.js'
export { type SaveHuggingFaceOptions, saveHuggingFace } from './save.js'
export { huggingFaceStrategy } from './strategy.js'
