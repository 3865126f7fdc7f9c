import fc from 'fast-check'
import t from 'tap'
import { parse } from 'smol-toml'

import { glance } from '../../src/config/glance.ts'

t.test('reads the plain form', async (t) => {
  t.same(glance(''), { doubtful: false })
  t.same(glance('spool = "/q"'), { doubtful: false, spool: '/q' })
  t.same(glance("any_filesystem = true # yes\nspool='/a b'\t# x\n[send]\n"), {
    doubtful: false,
    spool: '/a b',
    anyFilesystem: true,
  })
  t.same(glance('#spool = "/q"\n [retry]\n'), { doubtful: false })
  t.same(glance('any_filesystem = false'), { doubtful: false, anyFilesystem: false })
})

t.test('says when it is in doubt', async (t) => {
  for (const text of [
    'spool = "/q"\nspool = "/r"',
    'spool = "a\\tb"',
    'spool = "/\uFFFD"',
    'spool = "/q" garbage',
    "'spool' = '/q'",
    'x = """\nspool = "/q"\n"""',
    'sppol = "/q"',
    '[send]\n spool = "/q"',
    '[[spool]]',
  ])
    t.match(glance(text), { doubtful: true, spool: undefined }, JSON.stringify(text))
})

t.test('what it reads without doubt is what the parser reads', async (t) => {
  const line = fc.oneof(
    fc.constantFrom(
      'spool = "/q"',
      "spool = '/r'",
      '"spool" = "/s"',
      'spool = """/t"""',
      'spool="\\u0041"',
      'any_filesystem = true',
      'any_filesystem=false # spool = "/u"',
      'active_limit = 3',
      '# spool = "/v"',
      'x = """',
      '"""',
      'y = [',
      ']',
      '[send]',
      '[[a]]',
      'to = "spool"',
      'spool.a = 1',
      '',
    ),
    fc.string(),
  )
  const text = fc
    .tuple(fc.array(line, { maxLength: 8 }), fc.constantFrom('\n', '\r\n'))
    .map(([lines, end]) => lines.join(end))
  let compared = 0
  fc.assert(
    fc.property(text, (written) => {
      let table: Record<string, unknown>
      try {
        table = parse(written)
      } catch {
        return true
      }
      const seen = glance(written)
      if (seen.doubtful) return true
      compared++
      return seen.spool === table['spool'] && seen.anyFilesystem === table['any_filesystem']
    }),
    { numRuns: 3000 },
  )
  t.ok(compared > 100, `${compared} texts were compared`)
})
