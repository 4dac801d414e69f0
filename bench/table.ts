/** One measured quantity: for each contestant, a number a round. */
export interface Row {
  name: string
  unit: string
  /** Whether more is better; it only labels the ratio. */
  more: boolean
  values: Map<string, number[]>
}

export class Results {
  readonly rows: Row[] = []

  add(name: string, unit: string, more: boolean, contestant: string, value: number): void {
    let row = this.rows.find((one) => one.name === name)
    if (!row) {
      row = { name, unit, more, values: new Map() }
      this.rows.push(row)
    }
    const values = row.values.get(contestant) ?? []
    values.push(value)
    row.values.set(contestant, values)
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

function shown(value: number): string {
  if (!Number.isFinite(value)) return '-'
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

function cell(values: readonly number[] | undefined): string {
  if (!values || values.length === 0) return '-'
  const range =
    values.length > 1 ? ` (${shown(Math.min(...values))}-${shown(Math.max(...values))})` : ''
  return `${shown(median(values))}${range}`
}

/** A Markdown table: median (lowest-highest), and each contestant's median divided by the last one's. */
export function markdown(results: Results, contestants: readonly string[]): string {
  const base = contestants.at(-1) ?? ''
  const others = contestants.slice(0, -1)
  const heads = ['', 'unit', ...contestants, ...others.map((name) => `${name} / ${base}`)]
  const lines = [heads, heads.map(() => '---')]
  for (const { name, unit, more, values } of results.rows) {
    const ratios = others.map((other) => {
      const ratio = median(values.get(other) ?? []) / median(values.get(base) ?? [])
      return Number.isFinite(ratio) ? ratio.toFixed(2) : '-'
    })
    const better = more ? 'more is better' : 'less is better'
    lines.push([
      name,
      `${unit}, ${better}`,
      ...contestants.map((c) => cell(values.get(c))),
      ...ratios
    ])
  }
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
