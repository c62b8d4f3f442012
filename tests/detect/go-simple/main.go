// Shop.
package main

func main() {}
