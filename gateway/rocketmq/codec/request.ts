import { type AnyBody, type Body, noBody } from './body.ts'
import { type AnyHeader, type Header, type HeaderFields, header } from './header.ts'

type NoFields = Record<never, never>

/** A request and its answer: what each has in its header and its body. */
export interface RequestType<
  H extends AnyHeader,
  B extends AnyBody,
  RH extends AnyHeader,
  RB extends AnyBody
> {
  readonly code: number
  readonly header: H
  readonly body: B
  readonly responseHeader: RH
  readonly responseBody: RB
}

export type AnyRequest = RequestType<AnyHeader, AnyBody, AnyHeader, AnyBody>

/** Declares a request. What is not named is empty. */
export function request<
  H extends HeaderFields = NoFields,
  B extends AnyBody = Body<undefined, undefined>,
  RH extends HeaderFields = NoFields,
  RB extends AnyBody = Body<undefined, undefined>
>(
  code: number,
  parts: {
    readonly header?: Header<H>
    readonly body?: B
    readonly responseHeader?: Header<RH>
    readonly responseBody?: RB
  }
): RequestType<Header<H>, B, Header<RH>, RB> {
  const empty = header({})
  return {
    code,
    header: parts.header ?? (empty as unknown as Header<H>),
    body: parts.body ?? (noBody as unknown as B),
    responseHeader: parts.responseHeader ?? (empty as unknown as Header<RH>),
    responseBody: parts.responseBody ?? (noBody as unknown as RB)
  }
}
