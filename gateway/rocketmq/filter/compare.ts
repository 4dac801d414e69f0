/** How RocketMQ's rocketmq-filter compares two values (ComparisonExpression.__compare), by what each of them is. */
import { compareDoubles, javaDouble, javaInteger, javaLong } from './java-numbers.ts'

/** Java's String, Integer, Long, Double, Boolean. */
export type Kind = 'text' | 'integer' | 'long' | 'double' | 'boolean'

/** An integer and a double are numbers, a long is a bigint. */
export type Value = string | number | bigint | boolean | null

/** Below 0, 0 or above; throws `unfit`. */
export type Comparer = (a: never, b: never) => number

/** Thrown where Java throws: the message does not match. One for all: it says nothing but that. */
export const unfit = new Error('a property cannot be compared with what it is compared with')

/** As by `=`. What cannot be compared is in no order, but not equal. */
export function comparerOf(a: Kind, b: Kind): Comparer {
  return table[a][b] ?? (() => -1)
}

/** As by `<`: two texts are compared as doubles. */
export function orderOf(a: Kind, b: Kind): Comparer {
  if (a !== 'text' || b !== 'text') return comparerOf(a, b)
  return (x: string, y: string) => compareDoubles(fit(javaDouble(x)), fit(javaDouble(y)))
}

const table: Readonly<Record<Kind, Readonly<Partial<Record<Kind, Comparer>>>>> = {
  text: {
    text: plain<string>,
    integer: (a: string, b: number) => plain(fit(javaInteger(a)), b),
    long: (a: string, b: bigint) => plain(fit(javaLong(a)), b),
    double: (a: string, b: number) => compareDoubles(fit(javaDouble(a)), b),
    boolean: (a: string, b: boolean) => plain(a.toLowerCase() === 'true', b)
  },
  integer: {
    text: (a: number, b: string) => plain(a, fit(javaInteger(b))),
    integer: plain<number>,
    long: (a: number, b: bigint) => plain(BigInt(a), b),
    double: compareDoubles
  },
  long: {
    text: (a: bigint, b: string) => plain(a, fit(javaLong(b))),
    integer: (a: bigint, b: number) => plain(a, BigInt(b)),
    long: plain<bigint>,
    double: (a: bigint, b: number) => compareDoubles(Number(a), b)
  },
  double: {
    text: (a: number, b: string) => compareDoubles(a, fit(javaDouble(b))),
    integer: compareDoubles,
    long: (a: number, b: bigint) => compareDoubles(a, Number(b)),
    double: compareDoubles
  },
  boolean: {
    // RocketMQ casts the wrong side, which throws.
    text: () => fit<number>(undefined),
    boolean: plain<boolean>
  }
}

function plain<T extends string | number | bigint | boolean>(a: T, b: T): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

function fit<T>(value: T | undefined): T {
  if (value === undefined) throw unfit
  return value
}
