import { defineEventHandler } from "h3";
import { job } from "../job.js";

export default defineEventHandler(() => job());
