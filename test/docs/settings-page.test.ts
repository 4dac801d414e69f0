import t from 'tap'
import { settingNames, settings } from '../../src/config.ts'
import { environmentName, optionName } from '../../src/setting.ts'
import { checkPage } from './page-check.ts'
import { settingsPage } from './settings-page.ts'

t.test('docs/settings.md says what the table of settings says', async (t) => {
  checkPage(t, 'settings.md', settingsPage())
})

t.test('every setting has a cap, a line of documentation and names of its own', async (t) => {
  for (const name of settingNames) {
    const setting = settings[name]
    t.match(setting.doc, /^[A-Z].{10,200}[^.]$/s, `${name} has a line, without a full stop`)
    t.notMatch(setting.doc, /\n/, `${name} has one line`)
    if (setting.kind === 'integer') {
      t.ok(Number.isSafeInteger(setting.max), `${name} has a greatest value`)
      t.ok(setting.min <= setting.default && setting.default <= setting.max, `${name}: default`)
    }
    if (setting.kind === 'text' || setting.kind === 'list')
      t.ok(setting.max > 0, `${name} is capped`)
  }
  const options = settingNames.map(optionName)
  t.equal(new Set(options).size, options.length, 'no two options have one name')
  t.notOk(options.includes('config') || options.includes('help') || options.includes('version'))
  const variables = settingNames.map(environmentName)
  t.equal(new Set(variables).size, variables.length, 'no two variables have one name')
})
