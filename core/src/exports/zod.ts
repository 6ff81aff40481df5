// The zod that the core checks options and configurations with. A plugin that takes it from here loads no other copy.

export { z } from "zod";
