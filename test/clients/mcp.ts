/** Owns the names that the MCP server and the steps about it share. */

export const mcpTool = "lookup";
export const mcpAnswer = "It lies in the third drawer.";
