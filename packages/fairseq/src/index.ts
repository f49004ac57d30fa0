export type { FairseqStrategy } from './config.js'
export { type FairseqDictionary, fairseqDictionaryOf, parseFairseqDictionary } from './dictionary.js'
export { type LoadedFairseq, type LoadFairseqOptions, loadFairseq } from './load.js'
export { type SaveFairseqOptions, saveFairseq } from './save.js'
