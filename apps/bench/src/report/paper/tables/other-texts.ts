import type { PaperTable } from '../table.js'

/** Tables 8 to 12: Toronto BookCorpus, and CC100+RoBERTa. */
export const otherTables: readonly PaperTable[] = [
  {
    number: '8',
    title: 'Perplexity by train length and evaluation length, non-overlapping',
    setting: 'Toronto BookCorpus, development text',
    head: ['model', '512', '1024', '3072'],
    rows: [
      ['alibi 512', 14.29, 13.64, 13.55],
      ['alibi 1024', null, 13.86, 13.52],
      ['alibi 3072', null, null, 13.15],
      ['sinusoidal, trained as evaluated', 14.8, 14.73, 14.46],
    ],
  },
  {
    number: '9 and 10',
    title: 'Perplexity, non-overlapping at 3072 (table 9) and sliding window, stride 512 (table 10)',
    setting: 'Toronto BookCorpus',
    head: ['model', 'non-overlapping, validation', 'non-overlapping, test', 'sliding, validation', 'sliding, test'],
    rows: [
      ['kNN-LM', null, null, 14.2, 10.89],
      ['Shortformer', null, null, 13.4, 10.88],
      ['Sandwich Transformer', null, null, null, 10.83],
      ['Staged Training', null, null, 12.8, 10.48],
      ['sinusoidal 3072', 14.46, 11.67, 14.06, 11.4],
      ['alibi 512\u21923072', 13.55, 10.98, 13.76, 11.11],
      ['alibi 3072', 13.15, 10.73, 12.7, 10.4],
    ],
  },
  {
    number: '11',
    title: 'Perplexity after equal training time',
    setting: 'CC100+RoBERTa, 1.3 billion parameters',
    head: ['model', 'memory, GB', 'updates', 'GPU hours', '1024', '2048'],
    rows: [
      ['sinusoidal 1024', 26.2, 46700, 5500, 9.24, null],
      ['alibi 512', 24.6, 50000, 5500, 9.3, null],
      ['sinusoidal 2048', 29.3, 44200, 5900, null, 9.01],
      ['alibi 1024', 26.2, 50000, 5900, null, 8.92],
    ],
  },
  {
    number: '12',
    title: 'Perplexity after 50,000 updates',
    setting: 'CC100+RoBERTa, 1.3 billion parameters',
    head: ['model', 'memory, GB', 'GPU hours', '512', '1024', '2048'],
    rows: [
      ['sinusoidal 512', 24.6, 5500, 9.71, 37.05, 105.42],
      ['alibi 512', 24.6, 5500, 9.79, 9.3, 9.54],
      ['sinusoidal 1024', 26.2, 5900, null, 9.15, 48.85],
      ['alibi 1024', 26.2, 5900, null, 9.16, 8.92],
      ['sinusoidal 2048', 29.3, 6700, null, null, 8.83],
      ['alibi 2048', 29.4, 6700, null, null, 8.84],
    ],
  },
]
