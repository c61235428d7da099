import { defineConfig } from 'vite';

/** `npx vite web` serves the page with the sources, and asks a service on port 3000 for the rest. */
export default defineConfig({
  base: '/admin/',
  // A file in public/ would have no hash in its name.
  publicDir: false,
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    // A data: address for a font or a picture is nothing that the page's policy lets in.
    assetsInlineLimit: 0,
    target: 'es2022',
    modulePreload: { polyfill: false },
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  server: { proxy: { '/api': { target: 'http://127.0.0.1:3000', ws: true } } },
});
