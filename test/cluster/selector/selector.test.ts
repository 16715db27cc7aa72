// The selector language against Calico's examples and errors (libcalico-go/lib/selector).

import * as fc from 'fast-check'
import t from 'tap'
import { parseSelector, SelectorError } from '../../../src/cluster/selector/selector.ts'

const labels = {
  rack: 'r1',
  role: 'rr',
  os: 'linux',
  zone: 'eu-west-1a',
  'node-role.kubernetes.io/control-plane': '',
}

const examples: readonly [expression: string, result: boolean][] = [
  ['', true],
  [' \t ', true],
  ['all()', true],
  ['!all()', false],
  ['global()', true],
  ["rack == 'r1'", true],
  ['rack=="r1"', true],
  ["rack == 'R1'", false],
  ["rack != 'r2'", true],
  ["gpu != 'x'", true],
  ["gpu == ''", false],
  ["node-role.kubernetes.io/control-plane == ''", true],
  ['has(node-role.kubernetes.io/control-plane)', true],
  ['!has(gpu)', true],
  ['! ! has(gpu)', false],
  ['has( rack )', true],
  ["rack in {'r1', 'r2'}", true],
  ['rack in {}', false],
  ['rack not in {}', true],
  ['rack notin {"r1"}', false],
  ["gpu not in {'a'}", true],
  ["gpu in {'a',}", false],
  ["zone contains 'west'", true],
  ["zone starts with 'eu-'", true],
  ['zone startswith "us"', false],
  ["zone ends with 'a'", true],
  ["zone contains ''", true],
  ["gpu contains ''", false],
  ["rack == 'r1' && role == 'x' || os == 'linux'", true],
  ["rack == 'r1' && (role == 'x' || os == 'win')", false],
  ["rack == 'r9' || role == 'rr' && os == 'linux'", true],
  ["!rack == 'r1'", false],
  ["!rack in {'r2'}", true],
  ["!(rack == 'r1' && os == 'linux')", false],
  ['rack == "it\'s"', false],
]

t.test('every example holds or fails as Calico has it', async (t) => {
  for (const [expression, result] of examples) {
    t.equal(parseSelector(expression).matches(labels), result, JSON.stringify(expression))
  }
})

t.test('every example means the same after a canonical print, and prints the same again', async (t) => {
  for (const [expression, result] of examples) {
    const { text } = parseSelector(expression)
    t.equal(parseSelector(text).matches(labels), result, text)
    t.equal(parseSelector(text).text, text)
  }
})

const errors: readonly [expression: string, position: number, expected: RegExp][] = [
  ['rack', 4, /^==, !=, contains/],
  ["rack = 'r1'", 5, /^== \(two signs\)/],
  ['rack == r1', 8, /quoted string/],
  ["'r1' == rack", 0, /a label, has/],
  ["rack == 'r1' &&", 15, /a label, has/],
  ["rack == 'r1' & os == 'linux'", 13, /^&& \(two signs\)/],
  ["rack == 'r1' os == 'linux'", 13, /the end/],
  ["rack == 'r1' and os == 'linux'", 13, /&&, \|\| or the end/],
  ["rack IN {'r1'}", 5, /^==, !=, contains/],
  ["rack in 'r1'", 8, /a set/],
  ["rack in ['r1']", 8, /a label, an operator/],
  ['rack in {,}', 9, /quoted string/],
  ['has (rack)', 4, /behind label has/],
  ['all ()', 4, /behind label all/],
  ['()', 1, /a label, has/],
  ['!', 1, /a label, has/],
  ["a@b == 'x'", 1, /a label, an operator/],
  ["rack == 'it\\'s'", 14, /closed by '/],
  ["rack == 'r1", 8, /closed by '/],
  ["rack == 'r1' &&\nos == 'linux'", 15, /a label, an operator/],
  [`${'l'.repeat(513)} == 'x'`, 0, /at most 512/],
  [`has(${'l'.repeat(513)})`, 0, /at most 512/],
  [`${'('.repeat(101)}all()${')'.repeat(101)}`, 100, /at most 100 parentheses/],
  ["(rack == 'r1'", 13, /or \)/],
]

t.test('a selector that is wrong is refused, naming the place and what was expected', async (t) => {
  for (const [expression, position, expected] of errors) {
    try {
      parseSelector(expression)
      t.fail(`accepted ${expression}`)
    } catch (error) {
      if (!(error instanceof SelectorError)) throw error
      t.equal(error.position, position, expression)
      t.match(error.expected, expected, expression)
      t.ok(error.message.includes(`at character ${position + 1}`), error.message)
    }
  }
})

t.test('the message reads as a sentence', async (t) => {
  t.throws(() => parseSelector('rack == r1'), {
    message: 'selector "rack == r1": expected a quoted string at character 9, found "r1"',
  })
  t.throws(() => parseSelector('rack'), { message: /found the end$/ })
})

t.test('spelling does not count: two forms of one selector print the same', async (t) => {
  const { text } = parseSelector("rack in {'b','a','b'}&&!!has( gpu )||x!='y'")
  t.equal(text, '((rack in {"a", "b"} && has(gpu)) || x != "y")')
  t.equal(parseSelector(`( rack in {"a", 'b',} && has(gpu) ) || x != "y"`).text, text)
  t.equal(parseSelector('').text, 'all()')
  t.equal(parseSelector(`quote == 'say "hi"'`).text, `quote == 'say "hi"'`)
})

t.test('a label may be called as a key word is', async (t) => {
  t.ok(
    parseSelector("in in {'x'} && all == 'y' && contains contains 'z'").matches({
      in: 'x',
      all: 'y',
      contains: 'z',
    }),
  )
})

t.test('what every object inherits is not a label', async (t) => {
  t.notOk(parseSelector('has(constructor)').matches({}))
  t.notOk(parseSelector("toString contains ''").matches({}))
})

t.test('any text is either read or refused by a SelectorError', async () => {
  const pieces = fc.constantFrom(
    ...'rack,has(,all(),in,not in,==,!=,!,&&,||,{,},(,),"a",\'b\',starts with,\\,\n, '.split(','),
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      try {
        const { text } = parseSelector(parts.join(' '))
        return parseSelector(text).text === text
      } catch (error) {
        return error instanceof SelectorError
      }
    }),
  )
})
