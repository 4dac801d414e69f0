/** The sections of docs/kafka.md that are made from the code: requests from routes.ts, settings from their table. */
import { readFileSync } from 'node:fs'
import {
  droppedSettingNames,
  type TopicSettingRule,
  topicSettingRules
} from '../../gateway/broker/topic-config.ts'
import { type Route, routes } from '../../gateway/kafka/routes.ts'
import { docsFolder } from './page-check.ts'

/** docs/kafka.md as it is, with its made sections as they should be. Throws where a section's marks are missing. */
export function kafkaPage(): string {
  const page = readFileSync(new URL('kafka.md', docsFolder), 'utf8')
  return [
    { name: 'requests', lines: requestLines() },
    { name: 'settings', lines: settingLines() }
  ].reduce((text, { name, lines }) => withSection(text, name, lines), page)
}

function withSection(page: string, name: string, lines: readonly string[]): string {
  const begin = `<!-- made from the code: ${name} -->`
  const end = `<!-- end of ${name} -->`
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from) throw new Error(`docs/kafka.md has no section ${name}`)
  return `${page.slice(0, from + begin.length)}\n${lines.join('\n')}\n${page.slice(to)}`
}

function requestLines(): string[] {
  const rows = [...routes].sort((a, b) => a.request.key - b.request.key).map(requestLine)
  return ['| key | request | versions | flexible from |', '|---|---|---|---|', ...rows]
}

function requestLine({ request }: Route): string {
  const { key, name, versions, advertise, firstFlexible } = request
  const [first, last] = versions
  const told = `${advertise[0]} to ${advertise[1]}`
  const isWider = advertise[0] !== first || advertise[1] !== last
  const served = first === last ? `${first}` : `${first} to ${last}`
  const range = isWider ? `${served} (${told} are advertised)` : served
  return `| ${key} | ${name} | ${range} | ${firstFlexible <= last ? firstFlexible : 'none'} |`
}

function settingLines(): string[] {
  const rules = Object.entries<TopicSettingRule>(topicSettingRules)
  const rows = rules.map(
    ([name, rule]) =>
      `| \`${name}\` | ${shown(rule.defaultValue)} | ${taken(rule)} | ${rule.documentation} |`
  )
  const dropped = droppedSettingNames.map((name) => `\`${name}\``).join(', ')
  return [
    '| setting | default | takes | here |',
    '|---|---|---|---|',
    ...rows,
    '',
    `Taken and dropped, since older tools still send them: ${dropped}.`
  ]
}

function shown(value: string): string {
  return value === '' ? 'empty' : `\`${value}\``
}

function taken({ kind, oneOf, min, max }: TopicSettingRule): string {
  if (oneOf !== undefined) return `${kind === 'list' ? 'any of ' : ''}${oneOf.join(', ')}`
  if (min !== undefined && max !== undefined) return `${kind}, ${min} to ${max}`
  return min === undefined ? kind : `${kind}, ${min} and up`
}
