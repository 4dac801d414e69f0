/** docs/settings.md, made from the table of settings. */
import { describeDefault } from '../../src/cli/options.ts'
import { settingNames, settings } from '../../src/config.ts'
import { configFileVariable } from '../../src/config-sources.ts'
import { environmentName, optionName, rangeOf, type Setting } from '../../src/setting.ts'

const introduction = `# Settings

This page is made from the table in src/config.ts (\`npm run docs\`); a test fails when the two differ.

Each setting can be given on the command line (\`--kafka-port 9092\`), in the environment
(\`ISTHMUS_KAFKA_PORT=9092\`) and in a file (\`--config FILE\` or \`${configFileVariable}=FILE\`).
Where several give it, the command line wins over the environment, the environment over the file,
and the file over the default. The file is one JSON object with the settings' names as on the
command line:

    { "data": "/var/lib/isthmus", "kafka-port": 9092, "advertise": ["kafka=example.org:9092"] }

A list is repeated on the command line, separated by commas in the environment, and an array in the
file. An unknown setting (an unknown \`ISTHMUS_...\` variable too) or a value out of its range ends
the start with one line that names it and exit code 2. The variables that Kubernetes adds for a
service named \`isthmus\` or \`isthmus-...\` are recognised by their form (\`ISTHMUS_SERVICE_HOST\`,
\`ISTHMUS_PORT=tcp://...\`) and ignored.

Embedding (\`startServer\`) takes the same settings in camel case (\`kafkaPort\`), where ports are 0
unless given.
`

/** The whole page. */
export function settingsPage(): string {
  const sections = [...new Set(settingNames.map((name) => settings[name].section))]
  return [introduction, ...sections.map(sectionText)].join('\n')
}

function sectionText(section: string): string {
  const rows = settingNames
    .filter((name) => settings[name].section === section)
    .map((name) => rowText(name, settings[name]))
  return [
    `## ${section}\n`,
    '| setting | environment | default | values | what it does |',
    '|---|---|---|---|---|',
    ...rows,
    ''
  ].join('\n')
}

function rowText(name: string, setting: Setting): string {
  const unit = setting.kind === 'integer' && setting.unit !== 'count' ? ` ${setting.unit}` : ''
  const standard = describeDefault(setting) || 'none'
  const cells = [
    `\`--${optionName(name)}\``,
    `\`${environmentName(name)}\``,
    `\`${standard}\`${unit === ' port' ? '' : unit}`,
    rangeOf(setting),
    setting.doc
  ]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
