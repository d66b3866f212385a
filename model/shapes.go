package model

// Shape is what the design comes to in one architecture.
type Shape struct {
	Architecture Architecture
	Deployables  int     // that are built, rolled out and watched by themselves
	Databases    int     // each with roles of its own
	Low, High    float64 // USD a month
	Latency      float64 // ms, in which 99 of 100 reads are answered
	Call         float64 // ms that a call between services may take of it; 0 where there is none
	InProcess    bool    // such a call stays in the process
}

// Shapes compares the architectures for the answers as they are, in the order in
// which they are offered.
func Shapes(a Answers) []Shape {
	var shapes []Shape
	for _, choice := range Choices("architecture") {
		changed := a
		changed.Architecture = Architecture(choice.Value)
		shapes = append(shapes, shapeOf(Resolve(changed)))
	}
	return shapes
}

func shapeOf(b Blueprint) Shape {
	shape := Shape{Architecture: b.System.Architecture, Deployables: len(b.Deployables), Databases: len(b.Deployables),
		Latency: b.Load.LatencyP99.Value, InProcess: b.Hosted()}
	for _, line := range b.Cost {
		shape.Low += line.Low.Value
		shape.High += line.High.Value
	}
	if b.Calls != nil {
		shape.Call = b.Timeouts.Call.Value
	}
	return shape
}
