FROM ${A:-${B:-alpine}}:${C:-"3.2"}0
