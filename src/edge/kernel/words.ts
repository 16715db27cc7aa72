// What the kernel says, and what it means. Its text is all that ip(8) and bridge(8) pass on, and it is read here only.

const ABSENT =
  /No such (process|file or directory|device)|Cannot find device|ddress not found|Cannot assign requested address|(FIB table|Device ".*") does not exist/
const PASSING =
  /No such device|Cannot find device|Network is down|Nexthop device is not up|Device for nexthop is not up|Device does not exist/
const EXISTS = /File exists|already exists/
const NO_KIND = /Unknown device type|Operation not supported/

/** What was to be removed is not there: the device, the table or the item. */
export function saysAbsent(words: string): boolean {
  return ABSENT.test(words)
}

/** A race with an interface that goes or comes, which the next event of that interface settles. */
export function saysPassing(words: string): boolean {
  return PASSING.test(words)
}

/** What was to be added is there, or something else in its place. */
export function saysExists(words: string): boolean {
  return EXISTS.test(words)
}

/** The kernel cannot make devices of this kind: it was built without, or its module is not there. */
export function saysNoKind(words: string): boolean {
  return NO_KIND.test(words)
}
