// What a parsed selector is, whether it holds for a set of labels, and its one spelling.
//
// A label that is absent fails every test but `!=` and `not in`, which it passes.

export type Labels = Readonly<Record<string, string>>

export type Expression =
  | { readonly kind: 'all' | 'global' }
  | { readonly kind: 'has'; readonly label: string }
  | { readonly kind: Comparison; readonly label: string; readonly value: string }
  | { readonly kind: 'in' | 'not in'; readonly label: string; readonly values: ReadonlySet<string> }
  | { readonly kind: 'not'; readonly operand: Expression }
  | { readonly kind: '&&' | '||'; readonly operands: readonly Expression[] }

export type Comparison = '==' | '!=' | 'contains' | 'starts with' | 'ends with'

const comparisons: Readonly<Record<Comparison, (actual: string | undefined, value: string) => boolean>> = {
  '==': (actual, value) => actual === value,
  '!=': (actual, value) => actual !== value,
  contains: (actual, value) => actual?.includes(value) ?? false,
  'starts with': (actual, value) => actual?.startsWith(value) ?? false,
  'ends with': (actual, value) => actual?.endsWith(value) ?? false,
}

/** Whether `expression` holds for `labels`. */
export function evaluate(expression: Expression, labels: Labels): boolean {
  switch (expression.kind) {
    case 'all':
    case 'global':
      return true
    case 'has':
      return get(labels, expression.label) !== undefined
    case 'in':
    case 'not in': {
      const actual = get(labels, expression.label)
      const member = actual !== undefined && expression.values.has(actual)
      return member === (expression.kind === 'in')
    }
    case 'not':
      return !evaluate(expression.operand, labels)
    case '&&':
      return expression.operands.every((operand) => evaluate(operand, labels))
    case '||':
      return expression.operands.some((operand) => evaluate(operand, labels))
    default:
      return comparisons[expression.kind](get(labels, expression.label), expression.value)
  }
}

/** Calico's canonical print: two selectors that read the same print the same. */
export function print(expression: Expression): string {
  switch (expression.kind) {
    case 'all':
    case 'global':
      return `${expression.kind}()`
    case 'has':
      return `has(${expression.label})`
    case 'in':
    case 'not in':
      return `${expression.label} ${expression.kind} {${[...expression.values].sort().map(quote).join(', ')}}`
    case 'not':
      return `!${print(expression.operand)}`
    case '&&':
    case '||':
      return `(${expression.operands.map(print).join(` ${expression.kind} `)})`
    default:
      return `${expression.label} ${expression.kind} ${quote(expression.value)}`
  }
}

/** Labels come from outside: `constructor` is not one unless it is set. */
function get(labels: Labels, label: string): string | undefined {
  return Object.hasOwn(labels, label) ? labels[label] : undefined
}

/** A string holds at most one kind of quote, since there are no escapes. */
function quote(value: string): string {
  return value.includes('"') ? `'${value}'` : `"${value}"`
}
