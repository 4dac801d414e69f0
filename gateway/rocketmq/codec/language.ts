/** What clients are written in: LanguageCode's names and codes. */
export const languageCodes = {
  JAVA: 0,
  CPP: 1,
  DOTNET: 2,
  PYTHON: 3,
  DELPHI: 4,
  ERLANG: 5,
  RUBY: 6,
  OTHER: 7,
  HTTP: 8,
  GO: 9,
  PHP: 10,
  OMS: 11,
  RUST: 12,
  NODE_JS: 13
} as const

export type Language = keyof typeof languageCodes

const namesByCode = Object.keys(languageCodes) as Language[]

/** OTHER for a code that is not known (a client newer than this table). */
export function languageOfCode(code: number): Language {
  return namesByCode[code] ?? 'OTHER'
}

/** OTHER for a name that is not known, and for none. */
export function languageOfName(name: unknown): Language {
  return typeof name === 'string' && Object.hasOwn(languageCodes, name)
    ? (name as Language)
    : 'OTHER'
}
