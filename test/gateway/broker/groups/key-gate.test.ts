import t from 'tap'
import { KeyGate } from '../../../../gateway/broker/groups/key-gate.ts'
import { settled } from '../../../support/fake-clock.ts'

/** Tasks that say when they begin and end when told. */
class Tasks {
  readonly events: string[] = []
  readonly #finish = new Map<string, (failure?: Error) => void>()

  task(name: string): () => Promise<string> {
    return () => {
      this.events.push(name)
      return new Promise((resolve, reject) => {
        this.#finish.set(name, (failure) => {
          this.events.push(`${name}.`)
          if (failure === undefined) resolve(name)
          else reject(failure)
        })
      })
    }
  }

  async finish(name: string, failure?: Error): Promise<void> {
    this.#finish.get(name)?.(failure)
    await settled(1)
  }
}

t.test('shared tasks run side by side, an exclusive one alone, in the order asked', async (t) => {
  const gate = new KeyGate()
  const tasks = new Tasks()
  const all = [
    gate.share('k', tasks.task('a')),
    gate.share('k', tasks.task('b')),
    gate.exclude('k', tasks.task('X')),
    gate.share('k', tasks.task('c')),
    gate.exclude('k', tasks.task('Y')),
    gate.share('k', tasks.task('d')),
    gate.share('other', tasks.task('o'))
  ]
  t.same(tasks.events, ['a', 'b', 'o'])
  for (const name of ['b', 'a', 'X', 'c', 'Y', 'd', 'o']) await tasks.finish(name)
  t.same(tasks.events, [
    ...['a', 'b', 'o', 'b.', 'a.'],
    ...['X', 'X.', 'c', 'c.', 'Y', 'Y.', 'd', 'd.', 'o.']
  ])
  t.same(await Promise.all(all), ['a', 'b', 'X', 'c', 'Y', 'd', 'o'])
})

t.test('a task that fails keeps no later one from running', async (t) => {
  const gate = new KeyGate()
  const tasks = new Tasks()
  const shared = gate.share('k', tasks.task('a'))
  const failing = gate.exclude('k', tasks.task('X'))
  const later = gate.share('k', tasks.task('b'))
  const failed = t.rejects(shared, /one/)
  const failedToo = t.rejects(failing, /two/)
  await tasks.finish('a', new Error('one'))
  await tasks.finish('X', new Error('two'))
  await tasks.finish('b')
  await Promise.all([failed, failedToo])
  t.equal(await later, 'b')
})
