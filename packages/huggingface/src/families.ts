// What is known of the families without reading a folder: apart, so that who asks only for names loads no model.
export {
  describeHuggingFaceFamilies,
  type HuggingFaceFamily,
  huggingFaceArchitecture,
  huggingFaceFamilies,
} from './families/families.js'
