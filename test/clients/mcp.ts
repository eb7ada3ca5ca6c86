/** Owns the names that the MCP server and the steps about it share. */

export const mcpTool = "lookup";
export const mcpAnswer = "It lies in the third drawer.";
/** A tool whose result is an image. */
export const mcpPicture = "picture";
/** One pixel. */
export const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
