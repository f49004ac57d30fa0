import { defaultClientConditions, defineConfig } from 'vite'

/** Isolates the page, so that its workers share memory: it trains on several threads then. */
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

export default defineConfig({
  // It may be served from any folder.
  base: './',
  // Packages resolve to their TypeScript sources: nothing needs building before, and errors point at the code.
  resolve: { conditions: ['@alibi/source', ...defaultClientConditions] },
  worker: { format: 'es' },
  server: { headers },
  preview: { headers },
  // TensorFlow.js is large, and the page waits for no more than this script's start.
  build: { target: 'es2022', chunkSizeWarningLimit: 2000 },
  optimizeDeps: {
    // Only the worker imports them, where Vite does not look ahead.
    include: [
      '@alibi/backend > @tensorflow/tfjs',
      '@alibi/backend > @tensorflow/tfjs-backend-webgpu',
      '@tensorflow/tfjs-backend-wasm',
    ],
  },
})
