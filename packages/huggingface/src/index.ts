export { huggingFaceArchitecture, huggingFaceFamilies } from './families/families.js'
export { type LoadedHuggingFace, loadHuggingFace } from './load.js'
export { type SaveHuggingFaceOptions, saveHuggingFace } from './save.js'
