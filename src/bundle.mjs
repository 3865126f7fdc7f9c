/**
 * bundle - makes one file of all that one `msgq send` needs: dist/cli/send.cjs.
 *
 * Node takes longer to find and load fifty modules than they take to do their work. What only
 * some messages need is left out, because even code that never runs has to be parsed. It is not
 * imported from outside either: a class out there is not the class in here, and `instanceof`
 * would tell them apart. It throws MSGQ_DETOUR, upon which bin/msgq begins anew with the whole
 * program. docs/decisions/0018-send-is-one-file.md has the measurements.
 */
import { resolve } from 'node:path'

import { build } from 'esbuild'

const dist = resolve(import.meta.dirname, '../dist')

const detour = {
  name: 'detour',
  setup({ onLoad, onResolve }) {
    // What belongs to Node is there in any case.
    onResolve({ filter: /^/ }, ({ kind, path }) =>
      kind === 'dynamic-import' && !path.startsWith('node:')
        ? { path: 'detour', namespace: 'detour' }
        : undefined,
    )
    onLoad({ filter: /^/, namespace: 'detour' }, () => ({
      contents: `throw Object.assign(new Error('detour'), { code: 'MSGQ_DETOUR' })`,
    }))
  },
}

/** To load it takes longer than to hash a small body: src/cli/one-off.ts. */
const laterCrypto = {
  name: 'later-crypto',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^node:crypto$/ }, ({ path, namespace }) =>
      namespace === 'later' ? undefined : { path, namespace: 'later' },
    )
    onLoad({ filter: /^/, namespace: 'later' }, ({ path }) => ({
      contents: ['createHash', 'hash', 'randomFillSync']
        .map((name) => `exports.${name} = (...all) => require('${path}').${name}(...all)`)
        .join('\n'),
    }))
  },
}

await build({
  entryPoints: [resolve(dist, 'cli/main-send.js')],
  outfile: resolve(dist, 'cli/send.cjs'),
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  // It lies as deep below the package as dist/config/find.js, which looks for the package.
  define: { 'import.meta.dirname': '__dirname' },
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
  plugins: [detour, laterCrypto],
})
