import { readFileSync } from 'node:fs'
import t from 'tap'
import { routes } from '../../gateway/kafka/routes.ts'
import { kafkaPage } from './kafka-page.ts'
import { checkPage, docsFolder } from './page-check.ts'

t.test('docs/kafka.md lists the requests and settings that there are', async (t) => {
  checkPage(t, 'kafka.md', kafkaPage())
})

t.test('docs/kafka.md says of every request how it behaves here', async (t) => {
  const page = readFileSync(new URL('kafka.md', docsFolder), 'utf8')
  const titles = page.split('\n').filter((line) => line.startsWith('### '))
  for (const { request } of routes) {
    const isSaid = titles.some((title) => title.slice(4).split(', ').includes(request.name))
    t.ok(isSaid, `${request.name} has a section`)
  }
})
