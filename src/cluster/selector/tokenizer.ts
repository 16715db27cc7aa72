// Cuts a selector into tokens. Calico: libcalico-go/lib/selector/tokenizer.

/** Thrown for a selector that cannot be read: where, what was expected, and what stands there. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError'
  /** Characters before the fault. */
  readonly position: number
  readonly expected: string

  constructor(text: string, position: number, expected: string) {
    const found = position < text.length ? JSON.stringify(text.slice(position, position + 20)) : 'the end'
    super(
      `selector ${JSON.stringify(text)}: expected ${expected} at character ${position + 1}, found ${found}`,
    )
    this.position = position
    this.expected = expected
  }
}

export type TokenKind =
  | 'label' // value: the name
  | 'string' // value: what is between the quotes
  | 'has' // value: the name
  | 'all'
  | 'global'
  | '=='
  | '!='
  | 'contains'
  | 'starts with'
  | 'ends with'
  | 'in'
  | 'not in'
  | '{'
  | '}'
  | ','
  | '('
  | ')'
  | '!'
  | '&&'
  | '||'
  | 'end'

export interface Token {
  readonly kind: TokenKind
  /** Empty for most kinds. */
  readonly value: string
  /** Characters before it. */
  readonly position: number
}

type Row = readonly [TokenKind, RegExp]

/** Calico's bound on a label name, its prefix included. */
const MAX_LABEL = 512

const label = '[A-Za-z0-9_./-]+'
const blank = /[ \t]*/y // no other white space: a line break is an error

/** In order. The one group of a pattern, if it has one, is the token's value. */
const anywhere: readonly Row[] = [
  ['has', new RegExp(`has\\([ \\t]*(${label})[ \\t]*\\)`, 'y')],
  ['all', /all\([ \t]*\)/y],
  ['global', /global\([ \t]*\)/y],
  ['string', /"([^"]*)"/y], // no escapes: a quote is written inside the other kind
  ['string', /'([^']*)'/y],
  ['==', /==/y],
  ['!=', /!=/y],
  ['!', /!/y],
  ['&&', /&&/y],
  ['||', /\|\|/y],
  ['{', /\{/y],
  ['}', /\}/y],
  [',', /,/y],
  ['(', /\(/y],
  [')', /\)/y],
  ['label', new RegExp(`(${label})`, 'y')],
]

/** Key words are such only behind a label, so that a label may be called `in`. */
const afterLabel: readonly Row[] = [
  ['contains', /contains/y],
  ['starts with', /starts[ \t]*with/y],
  ['ends with', /ends[ \t]*with/y],
  ['not in', /not[ \t]*in/y],
  ['in', /in/y],
  ...anywhere,
]

/** The tokens of a selector, `end` last. @throws SelectorError */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let position = skip(blank, text, 0)
  while (position < text.length) {
    const { token, end } = next(text, position, tokens.at(-1)?.kind === 'label')
    if ((token.kind === 'label' || token.kind === 'has') && token.value.length > MAX_LABEL) {
      throw new SelectorError(text, position, `a label of at most ${MAX_LABEL} characters`)
    }
    tokens.push(token)
    position = skip(blank, text, end)
  }
  tokens.push({ kind: 'end', value: '', position })
  return tokens
}

function next(text: string, position: number, behindLabel: boolean): { token: Token; end: number } {
  for (const [kind, pattern] of behindLabel ? afterLabel : anywhere) {
    pattern.lastIndex = position
    const match = pattern.exec(text)
    if (match) return { token: { kind, value: match[1] ?? '', position }, end: pattern.lastIndex }
  }
  throw new SelectorError(text, position, faultAt(text[position]!))
}

/** What ought to stand where no token begins. */
function faultAt(character: string): string {
  if (character === '"' || character === "'") return `a string closed by ${character}`
  if (character === '=') return '== (two signs)'
  if (character === '&') return '&& (two signs)'
  if (character === '|') return '|| (two signs)'
  return 'a label, an operator or a quoted string'
}

function skip(pattern: RegExp, text: string, position: number): number {
  pattern.lastIndex = position
  pattern.exec(text)
  return pattern.lastIndex
}
