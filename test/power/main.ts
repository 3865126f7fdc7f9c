/**
 * main - npm run test:power: cuts the power in the model, then on real file systems.
 *
 * `npm run test:power -- model send 1000 7`: scenarios with `send` in their names, about 1000
 * states at each point, seed 7. `npm run test:power -- images ext4 40`: 40 cuts of one file
 * system.
 */
import { runImages } from './images.ts'
import { runModel } from './model.ts'

const [part, first, ...rest] = process.argv.slice(2)
const [second, third] = rest.map(Number)
let good = true
if (part !== 'images') good &&= await runModel(first ?? '', second ?? 300, third ?? 1)
if (part !== 'model')
  good = (await runImages(part === 'images' ? first : undefined, second)) && good
process.exitCode = good ? 0 : 1
