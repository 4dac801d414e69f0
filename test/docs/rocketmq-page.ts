/** The sections of docs/rocketmq.md that are made from the code: requests from routes.ts, errors from their table. */
import { readFileSync } from 'node:fs'
import { requestNameOf } from '../../gateway/rocketmq/request-codes.ts'
import { responseNameOf, rocketmqResponseOf } from '../../gateway/rocketmq/response-codes.ts'
import { type Route, routes } from '../../gateway/rocketmq/routes.ts'
import { docsFolder } from './page-check.ts'

/** docs/rocketmq.md as it is, with its made sections as they should be. Throws where a section's marks are missing. */
export function rocketmqPage(): string {
  const page = readFileSync(new URL('rocketmq.md', docsFolder), 'utf8')
  return withSection(withSection(page, 'requests', requestLines()), 'errors', errorLines())
}

function withSection(page: string, name: string, lines: readonly string[]): string {
  const begin = `<!-- made from the code: ${name} -->`
  const end = `<!-- end of ${name} -->`
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from) throw new Error(`docs/rocketmq.md has no section ${name}`)
  return `${page.slice(0, from + begin.length)}\n${lines.join('\n')}\n${page.slice(to)}`
}

const listeners: Record<Route['roles'], string> = {
  namesrv: 'name server',
  broker: 'broker',
  both: 'both'
}

function requestLines(): string[] {
  const rows = [...routes]
    .sort((a, b) => a.request.code - b.request.code)
    .map(({ request: { code }, roles }) => {
      return `| ${code} | ${requestNameOf(code)} | ${listeners[roles]} |`
    })
  return ['| code | request | answered by |', '|---|---|---|', ...rows]
}

function errorLines(): string[] {
  const rows = Object.entries(rocketmqResponseOf).map(
    ([error, code]) => `| \`${error}\` | ${code} ${responseNameOf(code)} |`
  )
  return ['| error | RocketMQ clients get |', '|---|---|', ...rows]
}
