import fc from 'fast-check'
import t from 'tap'
import { CopyParts, isBefore } from '../../storage/copy-parts.ts'
import { seedOfRun } from '../support/seeded-random.ts'

t.test('every run is in one part, no part is too long, and together they are in order', (t) => {
  const queues = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 120 })
  fc.assert(
    fc.property(queues, fc.integer({ min: 1, max: 20 }), (all, runsMax) => {
      const parts = new CopyParts(runsMax)
      const ends = new Map<number, number>()
      const runs = all.map((queue) => {
        const baseOffset = ends.get(queue) ?? 0
        ends.set(queue, baseOffset + 3)
        parts.add(queue, baseOffset)
        return { queue, baseOffset }
      })
      const marks = parts.marks()
      const copied = marks.flatMap((mark, i) => {
        const end = marks[i + 1]
        const part = runs
          .filter((run) => !isBefore(run, mark) && (end === undefined || isBefore(run, end)))
          .sort((a, b) => a.queue - b.queue || a.baseOffset - b.baseOffset)
        if (part.length > runsMax) throw new Error(`${part.length} runs in a part`)
        return part
      })
      const expected = runs.sort((a, b) => a.queue - b.queue || a.baseOffset - b.baseOffset)
      return JSON.stringify(copied) === JSON.stringify(expected) && parts.count === all.length
    }),
    { seed: seedOfRun | 0, numRuns: 500 }
  )
  t.end()
})
