// Calico's selector language: which nodes, pools or workloads a resource is about.

import { evaluate, type Labels, print } from './expression.ts'
import { parse } from './parser.ts'

export { SelectorError } from './tokenizer.ts'

export interface Selector {
  /** Canonical print (sets sorted, `&&` and `||` in parentheses, double quotes): equal text, equal selector. */
  readonly text: string
  matches(labels: Labels): boolean
}

/** Reads a selector; an empty or blank one is `all()`. @throws SelectorError naming the place and what was expected */
export function parseSelector(text: string): Selector {
  const expression = parse(text)
  return { text: print(expression), matches: (labels) => evaluate(expression, labels) }
}
