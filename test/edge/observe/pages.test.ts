// Pages for probes and metrics, over real sockets on the loopback.

import { createServer } from 'node:net'
import t from 'tap'
import { type Page, Pages } from '../../../src/edge/observe/pages.ts'
import { until } from '../../kit/until.ts'

const host = '127.0.0.1'
const silent = { info: () => {}, warn: () => {}, error: () => {} } as never

t.test('each path has its page, and others are told which there are', async (t) => {
  let page: Page = { status: 200, body: 'ok\n' }
  const pages = new Pages(
    { '/readiness': () => page, '/metrics': async () => ({ ...page, type: 'x/y' }) },
    silent,
  )
  t.teardown(() => pages.close())
  pages.serveAt({ host, port: 0 })
  const ask = asker(pages)
  t.same(await ask('/readiness'), [200, 'text/plain; charset=utf-8', 'ok\n'])
  t.same(await ask('/metrics?x=1'), [200, 'x/y', 'ok\n'])
  page = { status: 503, body: 'why\n' }
  t.same(await ask('/readiness'), [503, 'text/plain; charset=utf-8', 'why\n'])
  t.match(await ask('/'), [404, /text/, 'there are /readiness and /metrics\n'])
  t.match(await ask('/readiness', 'POST'), [405])
  t.same(await ask('/readiness', 'HEAD'), [503, 'text/plain; charset=utf-8', ''])
})

t.test('a page that fails is one answer of 500, and the next is served', async (t) => {
  let fails = true
  const pages = new Pages(
    {
      '/metrics': () => {
        if (fails) throw new Error('no')
        return { status: 200, body: '' }
      },
    },
    silent,
  )
  t.teardown(() => pages.close())
  pages.serveAt({ host, port: 0 })
  const ask = asker(pages)
  t.match(await ask('/metrics'), [500])
  fails = false
  t.match(await ask('/metrics'), [200])
})

t.test('pages move with the settings, and go with them', async (t) => {
  const pages = new Pages({ '/': () => ({ status: 200, body: '' }) }, silent)
  t.teardown(() => pages.close())
  pages.serveAt({ host, port: 0 })
  await until('it listens', () => pages.port !== undefined)
  const before = pages.port
  pages.serveAt({ host, port: 0 })
  t.equal(pages.port, before, 'the same place again is no move')
  pages.serveAt({ host: '127.0.0.2', port: 0 })
  t.match(await asker(pages, '127.0.0.2')('/'), [200])
  await t.rejects(fetch(`http://${host}:${before}/`))
  pages.serveAt(undefined)
  t.equal(pages.port, undefined)
})

t.test('a port that somebody else has is taken when he is gone', async (t) => {
  const other = createServer().listen(0, host)
  await until('the other listens', () => other.listening)
  const { port } = other.address() as { port: number }
  const said: string[] = []
  const note = (_: unknown, text: string) => said.push(text)
  const pages = new Pages(
    { '/': () => ({ status: 200, body: '' }) },
    { info: note, warn: note, error: note } as never,
    10,
  )
  t.teardown(() => pages.close())
  pages.serveAt({ host, port })
  await until('it has failed', () => said.length > 0)
  other.close()
  await until('it serves', () => said.length > 1)
  t.match(await asker(pages)('/'), [200])
  t.same(said, ['pages cannot be served', 'pages are served again'], 'said when it begins, and when it ends')
})

function asker(pages: Pages, at = host) {
  return async (path: string, method = 'GET') => {
    await until('it listens', () => pages.port !== undefined)
    const answer = await fetch(`http://${at}:${pages.port}${path}`, { method })
    return [answer.status, answer.headers.get('content-type'), await answer.text()]
  }
}
