export type { FairseqStrategy } from './config.js'
export { type FairseqDictionary, fairseqDictionaryOf, parseFairseqDictionary } from './dictionary.js'
export { type FairseqInfo, type LoadedFairseq, type LoadFairseqOptions, loadFairseq, readFairseqInfo } from './load.js'
export { type SaveFairseqOptions, saveFairseq } from './save.js'
