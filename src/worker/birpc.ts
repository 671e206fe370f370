/** @module The library that matches answers to calls; alone in its file, which the build makes free of imports. */
export { createBirpc } from "birpc";
