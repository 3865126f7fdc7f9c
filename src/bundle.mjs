/**
 * bundle - makes of what tsc compiled the three files that bin/ runs: dist/bin.
 *
 * Node takes longer to find and load hundreds of modules than they take to do their work. msgq.js
 * and msgqd.js hold all of ours, and packages stay what npm installed
 * (docs/decisions/0054-programs-are-bundled.md).
 *
 * send.cjs is all that one `msgq send` needs, in one file. What only some messages need is left
 * out, because even code that never runs has to be parsed. It is not imported from outside
 * either: a class out there is not the class in here, and `instanceof` would tell them apart. It
 * throws MSGQ_DETOUR, upon which bin/msgq begins anew with the whole program.
 * docs/decisions/0018-send-is-one-file.md has the measurements.
 */
import { resolve } from 'node:path'

import { build } from 'esbuild'

const dist = resolve(import.meta.dirname, '../dist')
/** As deep below the package as dist/config/find.js, which looks for it. */
const bin = resolve(dist, 'bin')

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

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
}

await build({
  ...common,
  entryPoints: {
    msgq: resolve(dist, 'cli/main.js'),
    msgqd: resolve(dist, 'daemon/main.js'),
  },
  outdir: bin,
  format: 'esm',
  packages: 'external',
})

await build({
  ...common,
  entryPoints: [resolve(dist, 'cli/main-send.js')],
  outfile: resolve(bin, 'send.cjs'),
  format: 'cjs',
  define: { 'import.meta.dirname': '__dirname' },
  plugins: [detour, laterCrypto],
})
