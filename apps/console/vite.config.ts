import tailwind from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const CONTROL_PLANE = 'http://127.0.0.1:7070'

/** Builds the console into `dist`, which the control plane serves. Nothing inline, so that its content policy can be strict. */
export default defineConfig({
  plugins: [react(), tailwind()],
  build: {
    target: 'es2022',
    // Fonts and pictures stay files: the policy allows only what this origin serves.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 400,
  },
  server: {
    proxy: { '/v1': { target: CONTROL_PLANE, ws: true }, '/healthz': CONTROL_PLANE, '/openapi.json': CONTROL_PLANE },
  },
})
