import { readFileSync } from 'node:fs'
import t from 'tap'
import { requestNameOf } from '../../gateway/rocketmq/request-codes.ts'
import { routes } from '../../gateway/rocketmq/routes.ts'
import { checkPage, docsFolder } from './page-check.ts'
import { rocketmqPage } from './rocketmq-page.ts'

t.test('docs/rocketmq.md lists the requests and errors that there are', async (t) => {
  checkPage(t, 'rocketmq.md', rocketmqPage())
})

t.test('docs/rocketmq.md says of every request how it behaves here', async (t) => {
  const page = readFileSync(new URL('rocketmq.md', docsFolder), 'utf8')
  const titles = page.split('\n').filter((line) => line.startsWith('### '))
  for (const { request } of routes) {
    const name = requestNameOf(request.code)
    const isSaid = titles.some((title) => title.slice(4).split(', ').includes(name))
    t.ok(isSaid, `${name} has a section`)
  }
})
