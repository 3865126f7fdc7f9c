import fc from 'fast-check'
import t from 'tap'

import { readMail } from '../../src/cli/mail-text.ts'

const read = (mail: string | Buffer) => readMail(Buffer.from(mail))

t.test('encoded subjects, and text in any encoding', async (t) => {
  t.match(await read('Subject: =?UTF-8?Q?gr=C3=BCn?= =?UTF-8?B?w7xiZXI=?=\n\nx\n'), {
    subject: 'grünüber',
    text: 'x\n',
  })
  for (const [charset, encoding, text] of [
    ['iso-8859-1', 'quoted-printable', 'h=E4=\nllo 100=25'],
    ['utf-8', 'base64', 'aMOkbGxv\nIDEwMCU='],
    ['ANSI_X3.4-1968', '8bit', 'hällo 100%'],
  ] as const) {
    const mail = `Subject: x\nContent-Type: text/plain; charset=${charset}\nContent-Transfer-Encoding: ${encoding}\n\n${text}`
    t.equal((await read(mail)).text.trimEnd(), 'hällo 100%', charset)
  }
})

t.test('bytes without a name are UTF-8, or else Latin-1', async (t) => {
  const mail = (word: Buffer) => Buffer.concat([Buffer.from('Subject: x\n\n'), word])
  t.equal((await read(mail(Buffer.from('hällo\n')))).text, 'hällo\n')
  t.equal((await read(mail(Buffer.from('hällo\n', 'latin1')))).text, 'hällo\n')
})

t.test('the text/plain part; what is neither is named', async (t) => {
  const part = (head: string, body: string) => `--b\n${head}\n\n${body}\n`
  const mixed =
    'Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n'
  const pdf = 'Content-Type: application/pdf; name=a.pdf\nContent-Disposition: attachment'
  const { text } = await read(
    `${mixed}${part('Content-Type: text/plain', 'plain')}${part(pdf, 'abc')}--b--\n`,
  )
  t.equal(text, 'plain\n\n[not taken: a.pdf, application/pdf, 4 B]\n')
  const both = mixed.replace('mixed', 'alternative')
  const html = part('Content-Type: text/html', '<p>html</p>')
  t.equal(
    (await read(`${both}${part('Content-Type: text/plain', 'plain')}${html}--b--\n`)).text,
    'plain\n',
  )
})

t.test('of HTML alone, what can be read of it', async (t) => {
  const { text } = await read(
    'Subject: x\nContent-Type: text/html; charset=utf-8\n\n<p>Hello <b>w&ouml;rld</b></p><script>no()</script>\n',
  )
  t.match(text, /^Hello wörld\s*$/)
})

t.test('receivers', async (t) => {
  const { receivers } = await read(
    'To: root, "K, L" <k@example.com>, team: a@b.c, d;\nCc: ann\nBcc: <bob@example.com>\n\nx',
  )
  t.same(receivers, ['root', 'k@example.com', 'a@b.c', 'd', 'ann', 'bob@example.com'])
})

t.test('what is no mail is text as it stands', async (t) => {
  const text = 'disk full on /dev/sda1\n\nsecond paragraph\n'
  t.same(await read(text), { receivers: [], text })
  t.same(await read(''), { receivers: [], text: '' })
  t.match(await read(`From root Fri Nov 27\nSubject: x\n\n${text}`), { subject: 'x', text })
})

t.test('headers that are too much are text too', async (t) => {
  // Encoded words, which the library joins in quadratic time.
  const mail = (words: number) =>
    `Subject: ${'=?utf-8?B?YWJj?=\n '.repeat(words)}\n\nbody\n`
  t.match(await read(mail(10_000)), { subject: /^(?:abc){300}/, text: 'body\n' })
  t.equal((await read(mail(20_000))).text, mail(20_000))
})

t.test('it reads whatever it is given', async () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'Content-Type: multipart/mixed; boundary=b',
      'Content-Type: text/html; charset=nowhere',
      'Content-Transfer-Encoding: base64',
      'Subject: =?x?q?=?=',
      '--b',
      '--b--',
      '',
    ),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.uint8Array(), async (lines, bytes) => {
      const mail = await readMail(Buffer.concat([Buffer.from(lines.join('\n')), bytes]))
      return typeof mail.text === 'string' && !/[\r\n]/.test(mail.subject ?? '')
    }),
  )
})
