// Tokens to expression, by recursive descent; each function is one rule of the grammar.
// Calico: libcalico-go/lib/selector/parser.
//
//   or   = and { "||" and }
//   and  = op { "&&" op }
//   op   = { "!" } prim
//   prim = "(" or ")" | "all()" | "global()" | "has(" label ")" | label test
//   test = ("==" | "!=" | "contains" | "starts with" | "ends with") string | ("in" | "not in") set
//   set  = "{" [ string { "," string } [","] ] "}"

import type { Comparison, Expression } from './expression.ts'
import { SelectorError, type Token, type TokenKind, tokenize } from './tokenizer.ts'

/** Parentheses inside one another. Nobody writes this many; without a bound the stack would be it. */
const MAX_DEPTH = 100

const comparisons: ReadonlySet<string> = new Set<Comparison>([
  '==',
  '!=',
  'contains',
  'starts with',
  'ends with',
])

interface Cursor {
  readonly text: string
  readonly tokens: readonly Token[]
  at: number
  depth: number
}

/** Reads a whole selector; an empty or blank one is `all()`. @throws SelectorError */
export function parse(text: string): Expression {
  const cursor: Cursor = { text, tokens: tokenize(text), at: 0, depth: 0 }
  if (peek(cursor).kind === 'end') return { kind: 'all' }
  const expression = readOr(cursor)
  expect(cursor, 'end', '&&, || or the end')
  return expression
}

function readOr(cursor: Cursor): Expression {
  return readChain(cursor, '||', readAnd)
}

function readAnd(cursor: Cursor): Expression {
  return readChain(cursor, '&&', readOperation)
}

function readChain(cursor: Cursor, kind: '&&' | '||', read: (cursor: Cursor) => Expression): Expression {
  const operands = [read(cursor)]
  while (accept(cursor, kind)) operands.push(read(cursor))
  return operands.length === 1 ? operands[0]! : { kind, operands }
}

/** An even number of `!` is none. */
function readOperation(cursor: Cursor): Expression {
  let negated = false
  while (accept(cursor, '!')) negated = !negated
  const operand = readPrimary(cursor)
  return negated ? { kind: 'not', operand } : operand
}

function readPrimary(cursor: Cursor): Expression {
  const token = peek(cursor)
  switch (token.kind) {
    case '(':
      return readGroup(cursor)
    case 'all':
    case 'global':
      cursor.at++
      return { kind: token.kind }
    case 'has':
      cursor.at++
      return { kind: 'has', label: token.value }
    case 'label':
      cursor.at++
      return readTest(cursor, token.value)
    default:
      throw fault(cursor, 'a label, has(label), all(), ! or (')
  }
}

function readGroup(cursor: Cursor): Expression {
  if (cursor.depth === MAX_DEPTH) throw fault(cursor, `at most ${MAX_DEPTH} parentheses inside one another`)
  cursor.depth++
  expect(cursor, '(', '(')
  const inner = readOr(cursor)
  expect(cursor, ')', '&&, || or )')
  cursor.depth--
  return inner
}

function readTest(cursor: Cursor, label: string): Expression {
  const { kind } = peek(cursor)
  if (kind === 'in' || kind === 'not in') {
    cursor.at++
    return { kind, label, values: readSet(cursor) }
  }
  if (!comparisons.has(kind)) {
    throw fault(cursor, `==, !=, contains, starts with, ends with, in or not in behind label ${label}`)
  }
  cursor.at++
  return { kind: kind as Comparison, label, value: readString(cursor) }
}

function readSet(cursor: Cursor): ReadonlySet<string> {
  const values = new Set<string>()
  expect(cursor, '{', 'a set such as {"a", "b"}')
  while (peek(cursor).kind !== '}') {
    values.add(readString(cursor))
    if (!accept(cursor, ',')) break
  }
  expect(cursor, '}', ', or }')
  return values
}

function readString(cursor: Cursor): string {
  return expect(cursor, 'string', 'a quoted string').value
}

function peek(cursor: Cursor): Token {
  return cursor.tokens[cursor.at]!
}

function accept(cursor: Cursor, kind: TokenKind): boolean {
  const here = peek(cursor).kind === kind
  if (here) cursor.at++
  return here
}

function expect(cursor: Cursor, kind: TokenKind, expected: string): Token {
  const token = peek(cursor)
  if (token.kind !== kind) throw fault(cursor, expected)
  cursor.at++
  return token
}

function fault(cursor: Cursor, expected: string): SelectorError {
  return new SelectorError(cursor.text, peek(cursor).position, expected)
}
