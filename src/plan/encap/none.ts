// No encapsulation: the network between the nodes carries packets with the addresses of pods.

import type { Encapsulation } from './encapsulation.ts'

export const none: Encapsulation = {
  name: 'no encapsulation',
  mode: () => 'Never',
  fromDatastore: ['Enabled', 'EnabledNoEncapOnly'],
}
